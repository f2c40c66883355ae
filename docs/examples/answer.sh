#!/bin/sh
# Answer the open conversation in which something happened last, and resolve it.
#
#   WASL_URL=http://localhost:8025 WASL_TOKEN=wasl_… sh answer.sh "It left this morning."
set -eu

call() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $WASL_TOKEN" "$@"; }
first_id() { sed -n 's/.*"items":\[{"id":"\([^"]*\)".*/\1/p'; }  # a JSON tool such as jq does this better

conversation=$(call "$WASL_URL/api/v1/conversations?status=open&limit=1" | first_id)
echo "conversation: $conversation"

# Send it again after a broken line: under the same key the customer gets it once.
call "$WASL_URL/api/v1/conversations/$conversation/messages" \
  --header 'Content-Type: application/json' \
  --header "Idempotency-Key: answer-to-$conversation" \
  --data "{\"text\": \"$1\"}"
echo

call --request PATCH "$WASL_URL/api/v1/conversations/$conversation" \
  --header 'Content-Type: application/json' \
  --data '{"status": "resolved"}'
echo
