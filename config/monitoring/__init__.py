"""What site engineers watch: in, probes and scrapes; out, /healthz, /readyz and /metrics. docs/howto/monitor.md wires them up."""
