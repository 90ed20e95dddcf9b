# SPDX-License-Identifier: ISC
# Reads `tcpdump -tt -n -x` and prints one line for each WireGuard handshake message: when, the source port, the type, and
# `mac2` when that is not zero.

function message(    at, type, mac2)
{
    if (hex == "")
        return
    at = (substr(hex, 1, 1) == "6" ? 40 : 20) * 2
    type = substr(hex, at + 17, 2) + 0
    mac2 = substr(hex, length(hex) - 31)
    if (type >= 1 && type <= 3)
        print when, port(substr(hex, at + 1, 4)), type (type < 3 && mac2 !~ /^0+$/ ? " mac2" : "")
    hex = ""
}

function port(digits,    i, value)
{
    value = 0
    for (i = 1; i <= 4; i++)
        value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return value
}

/^[0-9]/ {
    message()
    when = $1
}

/^\t0x/ {
    for (i = 2; i <= NF; i++)
        hex = hex $i
}

END {
    message()
}
