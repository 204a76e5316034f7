from hypothesis import HealthCheck, settings

# How fast a machine draws examples says nothing about a law: a busy one must not fail it.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")
