"""The in-app inbox: notices in the widget and in the business's own apps, and a push to the customer's devices."""
