"""The review of drafted facts: a service for one reviewer on the own machine, and the page it serves.

It listens on 127.0.0.1 only. Every address under ``/review`` asks for the token that the command prints.
"""
