"""Plumbing that every service needs: settings, telemetry, gRPC, errors, object store, queues."""
