"""One file for each protocol; each implements messages.Provider.

messages.py  what goes in and out
pool.py      all providers: choose, limit, retry
wire.py      what all HTTP protocols share
windows.py   how much a model can read
failures.py  what the failure of a server means, and what to do
models.py    which models a server has
naming.py    models by their short names: PROVIDER/MODEL
openai.py    any OpenAI-compatible server
ollama.py    Ollama's own protocol
scripted.py  no model: replies from a file
make.py      the provider for one entry of the configuration
"""
