"""Klaviyo's REST API in front of an account: what may be asked, how it is answered, how it is refused.

`gateway.py` is the way of every request; `endpoints.py` is the table of what there is; a file per resource says what
each endpoint does; the rest are the rules that they share. Nothing here knows how an account keeps its state.
"""
