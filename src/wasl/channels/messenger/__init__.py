"""Facebook Messenger, and what is said below a Page's posts."""
