"""One file for each protocol; each implements messages.Provider.

messages.py  what goes in and out
pool.py      all providers: who answers a run
attempts.py  one call through all its attempts
queue.py     the calls that wait, in turn between runs
backend.py   one provider as the pool sees it: slots, limits
circuit.py   whether it is asked at all
measures.py  what is known of it by its last calls
states.py    what each one does now, for those who watch
wire.py      what all HTTP protocols share
windows.py   how much a model can read
failures.py  what the failure of a server means, and what to do
rate_limits.py  when a server that limits calls may be asked again
models.py    which models a server has
naming.py    models by their short names: PROVIDER/MODEL
openai.py    any OpenAI-compatible server
ollama.py    Ollama's own protocol
scripted.py  no model: replies from a file
make.py      the provider for one entry of the configuration
"""
