"""Flower's settings in its image. Its login is a secret: USER:PASSWORD."""

from pathlib import Path

basic_auth = [Path("/run/secrets/flower_login").read_text(encoding="utf-8").strip()]
port = 5555

# Without an interval it saves only at its end, and nothing when it is killed.
persistent = True
db = "/state/flower"
state_save_interval = 10_000
max_tasks = 10_000

tasks_columns = "name,args,kwargs,state,received,runtime,worker,uuid"
natural_time = True
# Its buttons go round the job records: `fitq cancel` is the way.
read_only = True
