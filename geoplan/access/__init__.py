"""Who may ask what: keys, bearer tokens, the policy table, rates and the log of writes. Knows nothing of the web.

::

    gate        one decision a request, of all the others
    store       the file that GEOPLAN_AUTH names: read again when it changes, switched in one step
    authfile    what stands in that file, checked field by field
    oidc, jwks  bearer tokens of an identity provider
    policy      the one table: route → scope, kind, layer
    keys        API keys;  grant: what a caller may do and see;  limits: rates;  audit: the log of writes
    settings    what the environment says;  exposure: an open service stays on its machine
"""
