#!/bin/sh
# Hand in what a customer wrote on your web site, and see what became of it.
#
#   WASL_URL=http://localhost:8025 WASL_TOKEN=wasl_… WASL_INBOX=forms sh hand_in.sh
set -eu

call() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $WASL_TOKEN" "$@"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }  # a JSON tool such as jq does this better

# The message's id in your own system: sent twice, it is still stored once.
answer=$(call "$WASL_URL/api/v1/inboxes/$WASL_INBOX/messages" \
  --header 'Content-Type: application/json' \
  --data '{
    "id": "contact-form-4711",
    "from": {"address": "customer-1042", "name": "Amal Haddad"},
    "subject": "Parcel 88-1",
    "text": "Has my parcel left yet?"
  }')
id=$(echo "$answer" | field id)
echo "accepted: $id"

# Accepted means stored for good. A moment later it is on the customer's timeline.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  message=$(call "$WASL_URL/api/v1/messages/$id")
  status=$(echo "$message" | field status)
  [ "$status" = accepted ] || break
  sleep 0.3
done
echo "$status, in conversation $(echo "$message" | field conversation_id)"
