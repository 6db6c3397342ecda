# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the tests
# The Intune server on its own: messages written by hand and sent with curl, for the test-* scripts beside this file, which
# get the paths of intune-server and intune-token as their arguments.
#
#   start OPTION...                     a server with these options, in the directory of the last one
#   token AUDIENCE [OPTION...]          a token for graph, enrollment, intune or iwservice
#   fetch AUDIENCE PATH [CURL-OPTION]   sends with such a token; the status in STATUS, the body in $ANSWER
#   post AUDIENCE PATH FILE             the same with a body
#   key_make NAME [rsa:BITS|ec]; csr_make NAME [REQ-OPTION...]; enroll_message CSR-FILE; enroll
#   field JQ-EXPRESSION                 of the last answer
INTUNE_SERVER=$1
INTUNE_TOKEN=$2
# shellcheck source=tests/fixture.sh
. "$(dirname "${BASH_SOURCE[0]}")/../fixture.sh"
fixture_require curl jq openssl

DIRECTORY=$FIXTURE_DIRECTORY/server
ANSWER=$FIXTURE_DIRECTORY/answer
DEVICE_NAME=workstation-7
HOST=intune.test
SERVER_PID=
GATEWAY=/TrafficGateway/TrafficRoutingService
MDM=$GATEWAY/LinuxMDM
VERSIONS='api-version=1.0&client-version=1.2511.11'
ENROLL="$MDM/LinuxEnrollmentService/enroll?$VERSIONS"
DETAILS="$MDM/LinuxDeviceCheckinService/details?$VERSIONS"
STATUSES="$MDM/LinuxDeviceCheckinService/status?$VERSIONS"
IW_VERSIONS='api-version=16.4&ssp=LinuxCP&ssp-version=1.2511.11&os=Linux&mgmt-agent=mdm'
ENDPOINTS=/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints
declare -A AUDIENCES=([graph]=00000003-0000-0000-c000-000000000000 [enrollment]=d4ebce55-015a-49b5-a083-c84d1797ae8c
    [intune]=0000000a-0000-0000-c000-000000000000 [iwservice]=b8066b99-6e67-41be-abfa-75db1a2c8809)

start() {
    [[ -z $SERVER_PID ]] || fixture_stop "$SERVER_PID"
    rm -f "$DIRECTORY/port"
    fixture_start intune-server "$INTUNE_SERVER" --directory "$DIRECTORY" --listen "$FIXTURE_ADDRESS" --host "$HOST" "$@"
    SERVER_PID=$FIXTURE_PID
    fixture_wait_until 30 "the Intune server" test -s "$DIRECTORY/port"
    PORT=$(<"$DIRECTORY/port")
}

token() {
    local audience=${AUDIENCES[$1]}
    shift
    "$INTUNE_TOKEN" --key "$DIRECTORY/token.key" "$@" "$audience"
}

# send TOKEN PATH [CURL-OPTION...]
send() {
    local bearer=$1 path=$2
    shift 2
    printf 'Authorization: Bearer %s\n' "$bearer" >"$FIXTURE_DIRECTORY/bearer"
    STATUS=$(curl -gsS --max-time 60 --cacert "$DIRECTORY/tls-ca.crt" --resolve "$HOST:$PORT:$FIXTURE_ADDRESS" -H "@$FIXTURE_DIRECTORY/bearer" \
        -o "$ANSWER" -D "$FIXTURE_DIRECTORY/headers" -w '%{http_code}' "$@" "https://$HOST:$PORT$path")
}

fetch() {
    local bearer path=$2
    bearer=$(token "$1")
    shift 2
    : >"$ANSWER"
    send "$bearer" "$path" "$@"
}

post() {
    local audience=$1 path=$2 file=$3
    shift 3
    fetch "$audience" "$path" -H 'Content-Type: application/json' -H 'Expect:' --data-binary "@$file" "$@"
}

key_make() {
    local kind=${2:-rsa:2048}
    if [[ $kind == ec ]]; then
        openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$FIXTURE_DIRECTORY/$1.key" 2>/dev/null
    else
        openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${kind#rsa:}" -out "$FIXTURE_DIRECTORY/$1.key" 2>/dev/null
    fi
}

csr_make() {
    local name=$1
    shift
    # Of two digests newer versions of openssl take neither.
    [[ " $* " == *" -sha"* ]] || set -- -sha256 "$@"
    openssl req -new -config /dev/null -key "$FIXTURE_DIRECTORY/$name.key" -subj "/CN=$DEVICE_NAME" "$@" -out "$FIXTURE_DIRECTORY/$name.csr"
}

enroll_message() {
    jq -n --rawfile csr "$1" --arg name "$DEVICE_NAME" \
        '{CertificateSigningRequest: $csr, AppVersion: "1.2511.11", DeviceName: $name}' >"$FIXTURE_DIRECTORY/message"
}

# Enrols with the key "device".
enroll() {
    enroll_message "$FIXTURE_DIRECTORY/device.csr"
    post enrollment "$ENROLL" "$FIXTURE_DIRECTORY/message"
}

enroll_good() {
    enroll
    expect_equal "enroll" 200 "$STATUS"
    DEVICE_ID=$(field .deviceId)
}

# The certificate of the last answer to $1, in whichever encoding.
certificate_write() {
    if [[ $(field '.certificate.certBlob | type') == array ]]; then
        jq -r '.certificate.certBlob[]' "$ANSWER" | awk '{printf "%02x", $1}' | xxd -r -p
    else
        field .certificate.certBlob | base64 -d
    fi | openssl x509 -inform DER -out "$1"
}

field() {
    jq -r "$1" "$ANSWER"
}

# expect_refused WHAT STATUS TEXT: the last answer
expect_refused() {
    expect_equal "$1" "$2" "$STATUS"
    grep -qF -- "$3" "$ANSWER" || fail "$1: '$3' is not in $(head -c 600 "$ANSWER")"
}

# expect_empty WHAT STATUS
expect_empty() {
    expect_equal "$1" "$2" "$STATUS"
    [[ ! -s $ANSWER ]] || fail "$1: the body is not empty"
}
