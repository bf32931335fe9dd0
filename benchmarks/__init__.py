"""Measurements, as ratios in one run on one machine; never a test, because times are of the machine that measures.

run            `make bench`: every contender, one after the other, in every case
cases          the four cases, in their order
customers      whom they are about
contenders     who is compared: a program each, and the table of them
environments   a virtual environment for each peer, made of `peers/<name>/requirements.txt`
local_klaviyo  the other side, and what it was asked
measure        what a process took
extrapolation  what a contender would take that was measured with fewer customers
goals          what the project promises, and whether this run kept it
report         the page; `picture` draws what it shows
workers        several exports at once, by one, two and four workers: its own command, and `docs/scale.md`
account_export the program of such a worker: one run of Dagster, for one account
loading        what a process pays before its first row where there are `many` exports, beside `bare` Dagster
soak           whether memory stays, over many deliveries in one process
"""
