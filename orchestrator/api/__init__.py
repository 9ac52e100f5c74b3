"""HTTP: one thin file per resource. Structs in, structs out, no logic.

requests.py   a body that is exact: valid UTF-8, no lone surrogates, of a bounded size
problems.py   every error as problem+json (RFC 9457)
query.py      POST /query, POST /debug
runs.py       GET /runs, GET /runs/{run_id}
visualize.py  GET /visualize, GET /visualize/{run_id}
health.py     GET /health
"""
