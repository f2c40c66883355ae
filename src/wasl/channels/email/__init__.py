"""E-mail: RFC 5322 in and out, SMTP to send, RFC 3464 and RFC 5965 reports back."""
