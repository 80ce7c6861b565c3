"""The address space: twins and tags as OPC UA nodes, made on demand."""
