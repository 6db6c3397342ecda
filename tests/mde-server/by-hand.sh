# The server on its own: messages written by hand and sent with curl, for the test-* scripts beside this file, which
# get the path of the server as their argument. What is good gets a certificate that verifies; what lacks something is
# refused with the fault that names it.
# shellcheck shell=bash
set -eu

SERVER=$1
HOST=EnterpriseEnrollment.contoso.test
WORK=$(mktemp -d)
PID=
PASSED=0

stop() {
    if [ -n "$PID" ]; then
        kill "$PID"
        if ! wait "$PID"; then
            echo "the server ended with an error" >&2
            exit 1
        fi
        PID=
    fi
}

clean() {
    status=$?
    if [ $status -ne 0 ] && [ -e "$WORK/answer" ]; then
        echo "--- the last answer:" >&2
        head -c 2000 "$WORK/answer" >&2
        echo >&2
        [ ! -e "$WORK/server/log" ] || tail -3 "$WORK/server/log" >&2
    fi
    if [ -n "$PID" ]; then
        kill "$PID" || status=1
        wait "$PID" || status=1
    fi
    rm -rf "$WORK"
    [ $status -ne 0 ] || echo "$PASSED checks passed"
    exit $status
}
trap clean EXIT

printf 'a-token-from-somewhere\n' >"$WORK/token"
printf 'correct horse\n' >"$WORK/password"

# start OPTION...: a server with these options, in the directory of the last one
start() {
    stop
    rm -f "$WORK/server/port"
    "$SERVER" --directory "$WORK/server" --host "$HOST" "$@" &
    PID=$!
    for _ in $(seq 600); do
        [ ! -e "$WORK/server/port" ] || break
        sleep 0.05
    done
    PORT=$(cat "$WORK/server/port")
    BASE=https://$HOST:$PORT
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

passed() {
    PASSED=$((PASSED + 1))
    echo "ok: $*"
}

# fetch ARGUMENT...: curl with the server's authority and name; the status goes to STATUS, the body to $WORK/answer
fetch() {
    STATUS=$(curl -sS --max-time 20 --cacert "$WORK/server/tls-ca.crt" --resolve "$HOST:$PORT:127.0.0.1" \
        --resolve "mdm.contoso.test:$PORT:127.0.0.1" -o "$WORK/answer" -D "$WORK/headers" -w '%{http_code}' "$@")
}

# post PATH FILE ARGUMENT...
post() {
    local path=$1 file=$2
    shift 2
    fetch -H 'Content-Type: application/soap+xml; charset=utf-8' -H 'Expect:' --data-binary "@$file" "$@" "$BASE$path"
}

xpath() {
    xmllint --nonet --xpath "string($1)" "$WORK/answer"
}

# expect_fault NAME TEXT: the last answer is this fault, and says TEXT
expect_fault() {
    local subcode type reason
    [ "$STATUS" = 500 ] || fail "HTTP $STATUS where a fault in 500 was expected ($1)"
    subcode=$(xpath "//*[local-name()='Subcode']/*[local-name()='Value']")
    type=$(xpath "//*[local-name()='ErrorType']")
    reason=$(xpath "//*[local-name()='Reason']/*[local-name()='Text']")
    case "${type:-$subcode}" in
    "$1" | *:"$1") ;;
    *) fail "fault $subcode $type ($reason), expected $1" ;;
    esac
    case "$reason" in
    *"$2"*) ;;
    *) fail "the fault says \"$reason\", expected \"$2\"" ;;
    esac
    passed "$1: $reason"
}

expect_element() {
    [ "$STATUS" = 200 ] || fail "HTTP $STATUS, expected 200 with $1"
    [ -n "$(xmllint --nonet --xpath "//*[local-name()='$1']" "$WORK/answer")" ] || fail "no $1 in the answer"
}

S='http://www.w3.org/2003/05/soap-envelope'
A='http://www.w3.org/2005/08/addressing'
WSS='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-'
WSSE="${WSS}wssecurity-secext-1.0.xsd"
WSU="${WSS}wssecurity-utility-1.0.xsd"
TRUST='http://docs.oasis-open.org/ws-sx/ws-trust/200512'
PKI='http://schemas.microsoft.com/windows/pki/2009/01'
AC='http://schemas.xmlsoap.org/ws/2006/12/authorization'
DISCOVERY='http://schemas.microsoft.com/windows/management/2012/01/enrollment'
USER_TOKEN='http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken'
DEVICE_TOKEN='http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken'

# envelope ACTION PATH SECURITY BODY
envelope() {
    printf '<s:Envelope xmlns:s="%s" xmlns:a="%s" xmlns:u="%s" xmlns:wsse="%s" xmlns:wst="%s" xmlns:ac="%s"><s:Header>' \
        "$S" "$A" "$WSU" "$WSSE" "$TRUST" "$AC"
    printf '<a:Action s:mustUnderstand="1">%s</a:Action>' "$1"
    printf '<a:MessageID>urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749</a:MessageID>'
    printf '<a:ReplyTo><a:Address>%s/anonymous</a:Address></a:ReplyTo>' "$A"
    printf '<a:To s:mustUnderstand="1">%s%s</a:To>%s</s:Header>' "$BASE" "$2" "$3"
    printf '<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">%s</s:Body></s:Envelope>' "$4"
}

security() {
    printf '<wsse:Security s:mustUnderstand="1">%s</wsse:Security>' "$1"
}

# token_header FILE
token_header() {
    security "<wsse:BinarySecurityToken ValueType=\"$USER_TOKEN\" EncodingType=\"$WSSE#base64binary\">$(
        tr -d '\n' <"$1" | base64 -w0)</wsse:BinarySecurityToken>"
}

# password_header USER PASSWORD
password_header() {
    security "<wsse:UsernameToken u:Id=\"uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4\"><wsse:Username>$1</wsse:Username>$(
        printf '<wsse:Password wsse:Type="%susername-token-profile-1.0#PasswordText">%s</wsse:Password>' "$WSS" "$2"
    )</wsse:UsernameToken>"
}

discover_message() {
    envelope "$DISCOVERY/IDiscoveryService/Discover" /EnrollmentServer/Discovery.svc '' "<Discover xmlns=\"$DISCOVERY\"><request>$(
        printf '%s' "<EmailAddress>alice@contoso.test</EmailAddress><RequestVersion>4.0</RequestVersion>" \
            "<DeviceType>CIMClient_Windows</DeviceType><ApplicationVersion>10.0.19043.2364</ApplicationVersion>" \
            "<OSEdition>48</OSEdition><AuthPolicies><AuthPolicy>OnPremise</AuthPolicy><AuthPolicy>Federated</AuthPolicy>"
    )</AuthPolicies></request></Discover>"
}

# policy_message SECURITY
policy_message() {
    envelope "$PKI/enrollmentpolicy/IPolicy/GetPolicies" /EnrollmentServer/Policy.svc "$1" "$(
        printf '<GetPolicies xmlns="%s"><client><lastUpdate xsi:nil="true"/><preferredLanguage xsi:nil="true"/></client>' \
            "$PKI/enrollmentpolicy"
    )<requestFilter xsi:nil=\"true\"/></GetPolicies>"
}

context_items() {
    while [ $# -gt 1 ]; do
        printf '<ac:ContextItem Name="%s"><ac:Value>%s</ac:Value></ac:ContextItem>' "$1" "$2"
        shift 2
    done
}

DEVICE=1E08C6E95D8BB843B1278FF45BC60CC6
all_items() {
    context_items DeviceID "$DEVICE" EnrollmentType Full OSEdition 48 OSVersion 10.0.19043.2364 \
        DeviceType CIMClient_Windows DeviceName DESKTOP ApplicationVersion 10.0.19043.2364 TargetedUserLoggedIn true
}

# rst_message SECURITY TOKEN ITEMS [TYPE] [TOKEN_TYPE]
rst_message() {
    local type=${4:-$TRUST/Issue} value=${5:-$PKI/enrollment#PKCS10}
    envelope "$PKI/enrollment/RST/wstep" /EnrollmentServer/Enrollment.svc "$1" "<wst:RequestSecurityToken>$(
        printf '<wst:TokenType>%s</wst:TokenType><wst:RequestType>%s</wst:RequestType>' "$DEVICE_TOKEN" "$type"
        printf '<wsse:BinarySecurityToken ValueType="%s" EncodingType="%s#base64binary">%s</wsse:BinarySecurityToken>' \
            "$value" "$WSSE" "$2"
        printf '<ac:AdditionalContext xmlns="%s">%s</ac:AdditionalContext>' "$AC" "$3"
    )</wst:RequestSecurityToken>"
}

# key_make NAME rsa|ec|...: a key and a PKCS #10 request in DER
key_make() {
    case $2 in
    rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/$1.key" ;;
    rsa1024) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$WORK/$1.key" ;;
    ec) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/$1.key" ;;
    ec384) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$WORK/$1.key" ;;
    esac
    openssl req -new -key "$WORK/$1.key" -subj "/CN=$DEVICE" "-${3:-sha256}" -outform DER -out "$WORK/$1.csr"
}

b64() {
    base64 -w0 "$1"
}

# document: the provisioning document of the last answer
document() {
    xpath "//*[local-name()='RequestedSecurityToken']/*" | base64 -d >"$WORK/document.xml"
}

# issued_take NAME: the certificate of the document, which must be for the key NAME and verify
issued_take() {
    document
    xmllint --nonet --noout "$WORK/document.xml"
    xmllint --nonet --xpath "string(//characteristic[@type='My']/*/characteristic/parm[@name='EncodedCertificate']/@value)" \
        "$WORK/document.xml" | base64 -d | openssl x509 -inform DER -out "$WORK/$1.crt"
    [ "$(openssl x509 -in "$WORK/$1.crt" -noout -pubkey)" = "$(openssl pkey -in "$WORK/$1.key" -pubout)" ] ||
        fail "the certificate is for another key"
    openssl verify -purpose sslclient -CAfile "$WORK/server/client-ca.crt" -untrusted "$WORK/server/chain.crt" "$WORK/$1.crt" \
        >"$WORK/verified" || fail "the certificate does not verify"
}

# enrol_good NAME SECURITY: a whole enrolment
enrol_good() {
    rst_message "$2" "$(b64 "$WORK/$1.csr")" "$(all_items)" >"$WORK/message"
    post /EnrollmentServer/Enrollment.svc "$WORK/message"
    expect_element RequestedSecurityToken
    issued_take "$1"
}

# refuse DESCRIPTION SED FAULT TEXT PATH: the good message in $WORK/good, changed by SED, is refused
refuse() {
    sed -z -E "$2" "$WORK/good" >"$WORK/message"
    ! cmp -s "$WORK/good" "$WORK/message" || fail "$1: nothing was changed"
    post "$5" "$WORK/message"
    expect_fault "$3" "$4"
}
