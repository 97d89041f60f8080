"""What a worker does: the only room of the site that imports the library and touches sound."""
