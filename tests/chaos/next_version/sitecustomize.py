"""Makes every Python process that finds this file speak the next version of fitq's jobs."""

from fitq_shared import schema

schema.SCHEMA_VERSION += 1
