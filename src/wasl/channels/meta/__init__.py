"""What the channels of Meta (WhatsApp, Messenger, Instagram) have in common."""
