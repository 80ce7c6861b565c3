"""Tag lists and Thing Descriptions of others, to plant files and back."""
