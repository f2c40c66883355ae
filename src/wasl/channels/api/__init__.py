"""The generic API channel: what another program says a customer wrote."""
