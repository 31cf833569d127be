"""The Python code of the macros for entries, cards and QR codes. The templates hold the HTML."""
