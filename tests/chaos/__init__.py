"""The harness that breaks things: ``make chaos`` kills, races, starves and deceives a lake on this machine.

Each part is a module with a function ``run`` that yields what became of each of its points. All of it speaks standard
protocols: HTTP proxies stand before S3 and before Prefect's API, signals go to process groups, and the replica of
PokeAPI is told by HTTP how to misbehave.
"""
