"""Network architectures and the registry of shipped models."""
