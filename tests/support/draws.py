"""How many examples of a law are tried: the same part of them each time in the gate, and all in `make soak`."""

from hypothesis import HealthCheck, settings

PART = 3


def drawn(examples: int, *unheeded: HealthCheck) -> settings:
    """Settings for a law that is tried on so many examples, on a third of them in the gate."""
    tried = examples if settings.get_current_profile_name() == "others" else -(-examples // PART)
    return settings(max_examples=tried, suppress_health_check=[HealthCheck.too_slow, *unheeded])
