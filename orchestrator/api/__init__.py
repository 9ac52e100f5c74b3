"""HTTP: one thin file for each resource. Structs in, structs out: what a run does is decided in runs/.

connections.py  the connections of the server: how many, how slow
arriving.py   bodies while they arrive: how slow, how much at once
request_ids.py  each request has an id, in its lines of the log too
safe.py       headers of all responses; HEAD
audit.py      a line of the log for what is made, read, ended or refused
guards.py     who may ask at all
hosts.py      which hosts are ours, which sites are listed
tokens.py     who asks, and what each one may have at once
sign_in.py    POST /sign-in: the same for a browser
body.py       a body that is exact: valid UTF-8, no lone surrogates, of a bounded size
problems.py   every error as problem+json (RFC 9457)
contexts.py   POST /contexts, GET /contexts, GET and DELETE /contexts/{context_id}, its /text and /lines
upload.py     bodies that are contexts, written while they arrive
own_keys.py   the headers by which a caller brings models
asking.py     what a request for a run says, and how it becomes one
query.py      POST /query, POST /debug, POST /stream
runs.py       GET /runs, GET /runs/{run_id}, its /events, /journal, /script and /metrics
run_changes.py POST /runs, DELETE /runs/{run_id}, its /fork, /cancel and /replay
event_stream.py events as Server-Sent Events or as JSON Lines
visualize.py  GET /visualize, GET /visualize/{run_id}: the pages of web/, and their files
openapi.py    GET /schema/openapi.json: what is said of all that
health.py     GET /health, GET /health/ready
providers.py  GET /providers
metrics.py    GET /metrics; the middleware that counts requests
"""
