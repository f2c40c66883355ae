#!/bin/sh
# Hand in a message of a customer with curl and openssl. WASL_HOOK is the address of the inbox's webhook, WASL_SECRET_IN
# the secret for what you hand in; the arguments are the message's id and its text.
set -eu

body="{\"type\": \"message\", \"id\": \"$1\", \"from\": {\"id\": \"cust-7\", \"name\": \"Giulia Neri\"}, \"text\": \"$2\"}"
name="msg_$1"
moment=$(date +%s)
key=$(printf %s "${WASL_SECRET_IN#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf %s "$name.$moment.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

curl --silent --show-error --fail-with-body "$WASL_HOOK" \
  --header "Content-Type: application/json" \
  --header "webhook-id: $name" \
  --header "webhook-timestamp: $moment" \
  --header "webhook-signature: v1,$signature" \
  --data-binary "$body"
