"""What a person wrote in a mail, apart from what their program put below it: quoted history and signature."""
