"""The changes of a job record, one Lua script each: Redis runs a script as one step."""
