# SPDX-License-Identifier: MIT
"""Troupe's processes in gdb, in a running program or a core file.

    (gdb) source /usr/local/share/troupe/troupe-gdb.py
    (gdb) troupe processes          a line for each process
    (gdb) troupe backtrace <0.5.1>  where it is: "5" and "0.5.1" do too
    (gdb) troupe receive <0.5.1>    what it waits for, and what is in its mailbox
    (gdb) troupe all                the three for every process
    (gdb) troupe select <0.5.1>     makes bt, up, info locals ... show that process;
    (gdb) troupe select             and the thread again

Needs the debugging information of the library, which is built with -g. Nothing runs in the program.
"""

import os
import re
import struct
import time

import gdb
import gdb.unwinder

ASLEEP, CLOSED = 1, 2  # values of an inbox: src/proc/proc.h
EXITING, HIBERNATED = 4, 32  # flags of a process
NEVER = (1 << 63) - 1
MESSAGES_SHOWN = 20
DEPTH_SHOWN = 20


# --- reading memory and variables ---


def static(name, source):
    """A static variable of that source file of the library.

    Optimised at link time there is a second one of its type, which has its place."""
    symbols = gdb.lookup_static_symbols(name)
    ours = [s for s in symbols if s.symtab and s.symtab.filename.endswith(source)]
    if not ours:
        raise gdb.GdbError("no debugging information about Troupe in this program (%s)" % source)
    alike = [s for s in symbols if str(s.type) == str(ours[0].type)]
    for value in (s.value() for s in ours + alike):
        if not value.is_optimized_out:
            return value
    raise gdb.GdbError("%s of %s was optimised away" % (name, source))


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def word(address):
    return struct.unpack("<Q", read(address, 8))[0]


def text_at(address):
    return gdb.Value(address).cast(gdb.lookup_type("char").pointer()).string(errors="replace")


def offset_of(field, kind):
    return next(f.bitpos // 8 for f in kind.fields() if f.name == field)


# --- terms: src/term/term.h ---


def show_atom(w):
    number = w >> 6
    segment = int(static("segments", "term/atom.c")[number // 1024])
    text = text_at(word(segment + 24 * (number % 1024)))
    return text if re.fullmatch(r"[a-z][A-Za-z0-9_@]*", text) else "'%s'" % text


def show_bytes(data, bits):
    if bits % 8:
        return "<<%d bits>>" % bits
    if len(data) <= 200 and all(32 <= b < 127 for b in data):
        return '<<"%s">>' % data.decode()
    return "<<%s%s>>" % (",".join(str(b) for b in data[:20]), ",..." if len(data) > 20 else "")


def show_cons(w, depth):
    items = []
    while w & 7 == 1 and len(items) < 100:
        head, w = struct.unpack("<QQ", read(w - 1, 16))
        items.append(show(head, depth))
    tail = "" if w == 13 else "|..." if w & 7 == 1 else "|" + show(w, depth)
    return "[" + ",".join(items) + tail + "]"


def show_box(w, depth):
    header = word(w)
    kind, n = header >> 3 & 31, header >> 8
    if kind in (0, 1):
        words = struct.unpack("<%dQ" % n, read(w + 8, 8 * n))
        items = [show(x, depth) for x in words]
        if kind == 0:
            return "{" + ",".join(items) + "}"
        pairs = zip(items[0::2], items[1::2])
        return "#{" + ",".join("%s => %s" % pair for pair in pairs) + "}"
    if kind == 2:
        return "#{%d pairs}" % (word(w + 8) >> 3)
    if kind == 8:
        return repr(struct.unpack("<d", read(w + 8, 8))[0])
    if kind in (9, 10):
        number = int.from_bytes(read(w + 8, 8 * n), "little")
        return str(number if kind == 9 else -number)
    if kind == 11:
        bits = word(w + 8)
        return show_bytes(read(w + 16, bits // 8), bits)
    if kind == 12:
        data, bits = word(w + 16), word(w + 24)
        return show_bytes(read(data, min(bits // 8, 201)), bits)
    return "#Term<kind %d>" % kind


def show(w, depth=DEPTH_SHOWN):
    """A term as text."""
    if depth == 0:
        return "..."
    if w == 0:
        return "(none)"
    if w == 13:
        return "[]"
    if w & 3 == 3:
        return "#Ref<%d.%d>" % (w >> 2 & 0xFFFFFF, w >> 26)
    tag = w & 7
    if tag == 0:
        return show_box(w, depth - 1)
    if tag == 1:
        return show_cons(w, depth - 1)
    if tag == 2:
        return "<0.%d.%d>" % (w >> 3 & 0xFFFFFF, w >> 27)
    if tag == 4:
        value = w >> 3
        return str(value - (1 << 61) if value >> 60 else value)
    if w & 63 == 5:
        return show_atom(w)
    return "#Term<%#x>" % w


# --- processes ---


class Process:
    def __init__(self, address):
        kind = gdb.lookup_type("struct tr_proc").pointer()
        self.value = gdb.Value(address).cast(kind).dereference()
        self.address = address
        self.id = int(self.value["id"])
        self.slot = self.id >> 3 & 0xFFFFFF
        self.pid = show(self.id)

    def field(self, name):
        return int(self.value[name])

    def site(self):
        at = self.field("site")
        if not at:
            return "?"
        name = text_at(at)
        return "%s at %s" % (name, text_at(at + len(name.encode()) + 1))

    def stack(self):
        return self.field("stack")

    def thread(self):
        """The thread of gdb that runs it, or None."""
        return running().get(self.address)

    def state(self):
        flags, inbox, thread = self.field("flags"), self.field("inbox"), self.thread()
        ending = ", in its clean-up" if flags & EXITING else ""
        if thread:
            name = " (%s)" % thread.name if thread.name else ""
            return "runs on thread %s%s%s" % (thread.num, name, ending)
        if self.field("suspended"):
            return "is suspended" + ending
        if flags & HIBERNATED:
            return "hibernates"
        if not self.stack():
            return "has not started"
        return ("waits" if inbox == ASLEEP else "is ready to run") + ending

    def name(self):
        name = self.field("name")
        return " (%s)" % show(name) if name else ""

    def line(self):
        return "%-12s %s%s: %s" % (self.pid, self.site(), self.name(), self.state())


def processes():
    size, count = (int(x) for x in static_array("slot_layout", "mem/slots.c", 2))
    id_at = offset_of("id", gdb.lookup_type("struct tr_proc"))
    slabs = gdb.parse_and_eval("tr__slabs")
    first, last = slabs.type.range()
    for i in range(first, last + 1):
        slab = int(slabs[i])
        if not slab:
            return
        memory = read(slab, size * count)
        for slot in range(count):
            if struct.unpack_from("<Q", memory, slot * size + id_at)[0]:
                yield Process(slab + slot * size)


def static_array(name, source, n):
    value = static(name, source)
    return [value[i] for i in range(n)]


def running():
    """The gdb thread that runs each process, by the address of its control block."""
    threads = {t.ptid[1] or t.ptid[2]: t for t in gdb.selected_inferior().threads()}
    found = {}
    ring = gdb.parse_and_eval("tr__pool")["all"]
    kind = gdb.lookup_type("struct tr_thread")
    link = offset_of("all", kind)
    at = ring["next"]
    while at != ring.address:
        t = gdb.Value(int(at) - link).cast(kind.pointer())
        tid, process = int(t["tid"]), int(t["tls"]["current"])
        if process and tid in threads:
            found[process] = threads[tid]
        at = at["next"]
    return found


def process_of(argument):
    numbers = [int(n) for n in re.findall(r"\d+", argument)]
    if not numbers:
        raise gdb.GdbError("which process? A pid such as <0.5.1>, or 5")
    slot = numbers[1] if len(numbers) > 1 else numbers[0]
    for p in processes():
        if p.slot == slot and (len(numbers) < 3 or p.id >> 27 == numbers[2]):
            return p
    raise gdb.GdbError("there is no process %s" % argument)


# --- stacks: the frames that src/os/context_* leave ---


def registers_x86_64(sp):
    names = "rip", "rbx", "rbp", "rsp"
    return dict(zip(names, struct.unpack("<4Q", read(sp + 8, 32))))


def registers_aarch64(sp):
    values = struct.unpack("<12Q", read(sp, 96))
    found = {"x%d" % (19 + i): values[i] for i in range(11)}
    found.update({"pc": values[11], "x30": values[11], "sp": sp + 176})
    return found


def architecture():
    name = gdb.selected_inferior().architecture().name()
    if "x86-64" in name:
        return registers_x86_64, "rsp", "rip"
    if "aarch64" in name:
        return registers_aarch64, "sp", "pc"
    raise gdb.GdbError("stacks of processes are not known on %s" % name)


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Unwinder(gdb.unwinder.Unwinder):
    """Makes the frames of a process follow the innermost one of the selected thread."""

    def __init__(self):
        super().__init__("troupe")
        self.registers = None

    def select(self, registers):
        self.registers = None
        gdb.invalidate_cached_frames()
        if registers:
            frame = gdb.newest_frame()
            self.sp_name, self.pc_name = architecture()[1:]
            self.at = int(frame.read_register(self.sp_name)), frame.pc()
            self.registers = registers
            gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if not self.registers:
            return None
        sp = int(pending.read_register(self.sp_name)) & (1 << 64) - 1
        if (sp, int(pending.read_register(self.pc_name))) != self.at:
            return None
        inner = self.registers[self.sp_name] - 4096
        unwound = pending.create_unwind_info(
            FrameId(gdb.Value(inner).cast(gdb.lookup_type("long")), gdb.Value(self.at[1]))
        )
        for name, value in self.registers.items():
            kind = pending.read_register(name).type
            unwound.add_saved_register(name, gdb.Value(value).cast(kind))
        return unwound


unwinder = Unwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


# The frames of the switch itself, and the return address of nobody at the end.
SWITCH = re.compile(r"^#\d+ .*\btr__(context\w*_(leave|switch)|switch_out|wait\w*) \(")
END = re.compile(r"^#\d+ +0x0+ in \?\? \(\)")


class At:
    """While it lasts, the frames that gdb shows are those of a process: all, or all but the first.

    `first` is the level of its innermost frame; None: it has no frames."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.thread = gdb.selected_thread()
        runs_on = self.process.thread()
        self.first = None
        if runs_on:
            runs_on.switch()
            self.first = 0
        elif self.process.stack():
            sp = int(self.process.value["context"]["sp"])
            unwinder.select(architecture()[0](sp))
            self.first = 1
        return self

    def __exit__(self, *error):
        unwinder.select(None)
        self.thread.switch()

    def frames(self):
        frame = gdb.newest_frame() if self.first is not None else None
        for _ in range(self.first or 0):
            frame = frame.older()
        while frame:
            yield frame
            frame = frame.older()

    def backtrace(self):
        if self.first is None:
            return "no stack: it %s\n" % self.process.state()
        text = gdb.execute("backtrace", to_string=True)
        if self.first == 0:
            return text
        frames = re.split(r"^(?=#\d+ )", text, flags=re.M)[2:]
        while frames and SWITCH.search(frames[0]):
            frames.pop(0)
        if frames and END.search(frames[-1]):
            frames.pop()
        return "".join(re.sub(r"^#\d+ +", "#%-3d" % i, f) for i, f in enumerate(frames))


# --- what it waits for ---


def place(frame):
    line = frame.find_sal()
    where = "%s:%d" % (line.symtab.filename, line.line) if line.symtab else "%#x" % frame.pc()
    return "%s at %s" % (frame.name() or "?", where)


def library():
    """The folder of the library's sources, as its debugging information has it."""
    start = int(gdb.parse_and_eval("(unsigned long)&tr__receive_next"))
    return os.path.dirname(os.path.dirname(source_of(gdb.find_pc_line(start)))) + "/"


def source_of(line):
    return os.path.normpath(line.symtab.fullname()) if line.symtab else ""


def waits_in(at):
    """The call by which the program's own code came to wait, and the place of that."""
    called, ours = None, library()
    for frame in at.frames():
        line = frame.find_sal()
        if not source_of(line).startswith(ours):
            return called, place(frame) if frame.pc() else None
        called = frame.name()
    return None, None


CALLS = {"tr__receive_next": "tr_receive"}


def messages(process):
    sig = process.value["first"]
    shown = []
    while int(sig):
        if len(shown) == MESSAGES_SHOWN:
            shown.append("and %d more" % (process.field("nmessages") - MESSAGES_SHOWN))
            break
        shown.append(show(int(sig["term"])))
        sig = sig["next"]
    return shown


def unread(process):
    """Signals that have arrived and that it has not looked at yet."""
    inbox, seen = process.field("inbox"), process.field("seen")
    kind = gdb.lookup_type("struct tr_sig").pointer()
    n = 0
    while inbox not in (0, ASLEEP, CLOSED, seen):
        n += 1
        inbox = int(gdb.Value(inbox).cast(kind)["next"])
    return n


def when(ns):
    """A time of the monotonic clock: that of this machine, if the program runs here."""
    connection = gdb.selected_inferior().connection
    if connection and connection.type == "native":
        return "%.3f s from now" % ((ns - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) / 1e9)
    return "%.3f s of the monotonic clock" % (ns / 1e9)


def describe_receive(process):
    lines = [process.line()]
    if not process.thread():
        with At(process) as at:
            call, where = waits_in(at)
        if call and where:
            lines.append("  in %s, called in %s" % (CALLS.get(call, call), where))
    if process.field("wake_at") != NEVER:
        lines.append("  until " + when(process.field("wake_at")))
    mailbox = messages(process)
    lines.append("  mailbox: %d" % process.field("nmessages"))
    lines += ["    " + m for m in mailbox]
    if unread(process):
        lines.append("  not looked at yet: %d" % unread(process))
    return "\n".join(lines) + "\n"


# --- commands ---


class Troupe(gdb.Command):
    """Processes of a Troupe program: see `help troupe processes` and the others."""

    def __init__(self):
        super().__init__("troupe", gdb.COMMAND_STACK, prefix=True)


class Processes(gdb.Command):
    """One line for each process: pid, function and place of its spawn, name, what it does."""

    def __init__(self):
        super().__init__("troupe processes", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        n = 0
        for p in processes():
            gdb.write(p.line() + "\n")
            n += 1
        gdb.write("%d processes\n" % n)


class Backtrace(gdb.Command):
    """troupe backtrace PID: the functions that are open on the process's stack."""

    def __init__(self):
        super().__init__("troupe backtrace", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        with At(process_of(argument)) as at:
            gdb.write(at.backtrace())


class Receive(gdb.Command):
    """troupe receive PID: what the process waits for, until when, and what is in its mailbox."""

    def __init__(self):
        super().__init__("troupe receive", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        gdb.write(describe_receive(process_of(argument)))


class All(gdb.Command):
    """What `troupe receive` and `troupe backtrace` show, for every process."""

    def __init__(self):
        super().__init__("troupe all", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for p in processes():
            gdb.write(describe_receive(p))
            with At(p) as at:
                gdb.write(re.sub(r"^", "  ", at.backtrace().rstrip("\n"), flags=re.M) + "\n\n")


class Select(gdb.Command):
    """troupe select PID: from frame 1 on, gdb shows the stack of the process (bt, up, info locals).

    Without a pid gdb shows the thread again. Say so before the program goes on."""

    def __init__(self):
        super().__init__("troupe select", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        unwinder.select(None)
        if not argument:
            return
        p = process_of(argument)
        thread = p.thread()
        if thread:
            thread.switch()
        elif p.stack():
            unwinder.select(architecture()[0](int(p.value["context"]["sp"])))
            gdb.execute("frame 1", False)
        else:
            raise gdb.GdbError("no stack: it %s" % p.state())


for command in (Troupe, Processes, Backtrace, Receive, All, Select):
    command()
