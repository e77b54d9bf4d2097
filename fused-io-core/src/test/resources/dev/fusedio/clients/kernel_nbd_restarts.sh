# The kernel's own nbd driver keeps its device while the server is stopped and started again under load that is checked.
# $1: how often
RESTARTS=$1
DEVICE=/dev/nbd0
ls $DEVICE >/dev/null || fail "this kernel has no nbd driver"
truncate -s 64M /tmp/disk

serve() {
    "${GATEWAY[@]}" serve /tmp/disk --export disk --nbd-port 10809 2>>/tmp/serve.log &
    SERVER=$!
    await 60 nbdinfo --size nbd://127.0.0.1:10809/disk
}

# What a persistent nbd-client is for, which Debian 12's is not: connections that end are replaced (NBD_CMD_RECONFIGURE).
# A request without its answer is sent again after its time-out, and waits for a connection for the dead connection time-out.
cat >/tmp/keeper.py <<'END'
import os, select, signal, socket, struct, sys, time

CONNECT, DISCONNECT, RECONFIGURE = 1, 2, 3
INDEX, SIZE, BLOCK_SIZE, TIMEOUT, SERVER_FLAGS, SOCKETS, DEAD_CONN_TIMEOUT = 1, 2, 3, 4, 5, 7, 8
NESTED = 0x8000


def attribute(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


def u32(kind, value):
    return attribute(kind, struct.pack("=I", value))


def u64(kind, value):
    return attribute(kind, struct.pack("=Q", value))


netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)  # NETLINK_GENERIC
netlink.bind((0, 0))


def call(family, command, payload):
    body = struct.pack("=BBH", command, 1, 0) + payload
    netlink.send(struct.pack("=IHHII", 16 + len(body), family, 5, 1, 0) + body)  # REQUEST, ACK
    answer = b""
    while True:
        data = netlink.recv(65536)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind == 2:  # NLMSG_ERROR: the acknowledgement
                error = -struct.unpack_from("=i", data, 16)[0]
                if error:
                    raise OSError(error, os.strerror(error))
                return answer
            answer, data = data[20:length], data[(length + 3) & ~3 :]


def family():
    data = call(16, 3, attribute(2, b"nbd\0"))  # CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME
    while data:
        length, kind = struct.unpack_from("=HH", data)
        if kind == 1:
            return struct.unpack_from("=H", data, 4)[0]
        data = data[(length + 3) & ~3 :]


def negotiate():
    s = socket.create_connection(("127.0.0.1", 10809))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exactly(count):
        data = s.recv(count, socket.MSG_WAITALL) if count else b""
        if len(data) < count:
            raise ConnectionError("the server closed")
        return data

    exactly(18)
    s.sendall(struct.pack(">I", 3))
    go = struct.pack(">I", 4) + b"disk" + struct.pack(">H", 0)
    s.sendall(b"IHAVEOPT" + struct.pack(">II", 7, len(go)) + go)
    while True:
        kind, length = struct.unpack(">II", exactly(20)[12:])
        data = exactly(length)
        if kind == 3 and data[:2] == b"\0\0":
            size, flags = struct.unpack(">QH", data[2:12])
        elif kind == 1:
            return s, size, flags
        elif kind != 3:
            raise ConnectionError(f"option reply {kind:x}")


def sockets(*fds):
    return attribute(SOCKETS | NESTED, b"".join(attribute(1 | NESTED, u32(1, fd)) for fd in fds))


nbd = family()
live = {}
poll = select.poll()


def watch(s):
    live[s.fileno()] = s
    poll.register(s, select.POLLRDHUP)


for _ in range(4):
    s, size, flags = negotiate()
    watch(s)
call(
    nbd,
    CONNECT,
    u32(INDEX, 0) + u64(SIZE, size) + u64(BLOCK_SIZE, 4096) + u64(TIMEOUT, 10) + u64(SERVER_FLAGS, flags)
    + u64(DEAD_CONN_TIMEOUT, 300) + sockets(*live),
)


def stop(*_):
    call(nbd, DISCONNECT, u32(INDEX, 0))
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
replaced = 0
while True:
    for fd, _ in poll.poll():
        poll.unregister(fd)
        live.pop(fd).close()
        while True:
            try:
                s = negotiate()[0]
                break
            except OSError:
                time.sleep(0.1)
        call(nbd, RECONFIGURE, u32(INDEX, 0) + sockets(s.fileno()))
        watch(s)
        replaced += 1
        with open("/tmp/replaced", "w") as file:
            file.write(str(replaced))
END

# Ends when /tmp/stop exists; fails at the first error or wrong byte.
cat >/tmp/load.py <<'END'
import mmap, os, random, sys, threading

BLOCK, BLOCKS, THREADS = 64 << 10, 32, 16
fd = os.open("/dev/nbd0", os.O_RDWR | os.O_DIRECT)
failures = []


def work(index):
    chance = random.Random(index)
    versions = [0] * BLOCKS
    buffer = mmap.mmap(-1, BLOCK)

    def content(block):
        return (index << 48 | block << 32 | versions[block]).to_bytes(8, "big") * (BLOCK // 8)

    def check(block):
        os.preadv(fd, [buffer], (index * BLOCKS + block) * BLOCK)
        if versions[block] and buffer[:] != content(block):
            failures.append(f"block {block} of {index} is wrong")

    try:
        while not os.path.exists("/tmp/stop") and not failures:
            block = chance.randrange(BLOCKS)
            if chance.random() < 0.5:
                versions[block] += 1
                buffer[:] = content(block)
                os.pwritev(fd, [buffer], (index * BLOCKS + block) * BLOCK)
            else:
                check(block)
        os.fsync(fd)
        for block in range(BLOCKS):
            check(block)
    except OSError as e:
        failures.append(str(e))


threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit("\n".join(failures) if failures else 0)
END

serve
python3 /tmp/keeper.py &
KEEPER=$!
await 30 sh -c '[ "$(cat /sys/block/nbd0/size)" = 131072 ]'
python3 /tmp/load.py &
LOAD=$!
for ((restart = 1; restart <= RESTARTS; restart++)); do
    await_writes 200
    kill -TERM "$SERVER"
    wait "$SERVER" || fail "serve ended with status $?"
    serve
    await 60 sh -c "[ \$(cat /tmp/replaced) -ge $((4 * restart)) ]"
    kill -0 "$LOAD" || fail "the load saw an error after $restart restarts"
done
await_writes 200
touch /tmp/stop
wait "$LOAD" || fail "the load saw an error"
! dmesg | grep "I/O error" || fail "the kernel saw an error"
kill -TERM "$KEEPER"
wait "$KEEPER"
kill -TERM "$SERVER"
wait "$SERVER"
echo "$RESTARTS restarts under load: $(cat /tmp/replaced) connections replaced, no error"
