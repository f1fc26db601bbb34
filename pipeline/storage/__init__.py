"""Files and objects: atomic writes, checked JSON, digests, storage that machines share."""
