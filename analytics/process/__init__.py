"""Figures of a flow of work: OEE, throughput, bottleneck, material balance."""
