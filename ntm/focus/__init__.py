"""A memory with levels of detail, small and real: MegaContext's tree, lens and allocator, with the NTM's addressing on top."""
