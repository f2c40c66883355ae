"""Web chat: our own widget on the pages of the business."""
