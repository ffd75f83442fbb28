"""One port: the data gateway. The portal is not there yet.

gateway  plain ASGI: token → decision → keyed file → meter → answer
meter    usage records to disk before (or just after) the answer
answer   rows as JSON, CSV, Arrow; refusals as problem+json
server   workers on one socket, one sealer, a graceful end

In: HTTP. Out: one call of `workspace`, written as an answer.
"""
