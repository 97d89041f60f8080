"""Songs: uploading them, the library, sharing and deleting."""
