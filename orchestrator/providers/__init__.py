"""One file for each protocol; each implements messages.Provider.

messages.py  what goes in and out
pool.py      all providers: who answers a run
attempts.py  one call through all its attempts
queue.py     the calls that wait, in turn between runs
backend.py   one provider as the pool sees it: slots, limits
circuit.py   whether it is asked at all
prices.py    what models cost
needs.py     what a call can take at most of a budget
cache.py     replies that were paid for, given again
measures.py  what is known of it by its last calls
connections.py  connections to model servers
public_connections.py  to hosts that a caller names
own_keys.py  models that a caller pays for
states.py    what each one does now, for those who watch
wire.py      what all HTTP protocols share
headers.py   of its requests, the key's among them
parameters.py  which optional ones a server takes
counts.py    tokens as servers count them, in one meaning
windows.py   how much a model can read
failures.py  what the failure of a server means, and what to do
rate_limits.py  when a server that limits calls may be asked again
models.py    which models a server has
naming.py    models by their short names: PROVIDER/MODEL
openai.py    any OpenAI-compatible server
anthropic.py  Anthropic's own protocol
ollama.py    Ollama's own protocol
scripted.py  no model: replies from files
make.py      the provider for one entry of the configuration
"""
