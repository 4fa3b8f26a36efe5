"""Is a kernel any good: concentration, noise, health, scores, geometry."""
