# SPDX-License-Identifier: MIT
"""Types of an object file, as `readelf --debug-dump=info` tells them.

layout(path) returns {"struct evtchn_send": text, "domid_t": text, ...} of every named structure,
union, enumeration and typedef. The text is made to be compared: size, then one line for each leaf
with its offset, its kind (unsigned, signed, pointer, ...) and size, and its name with the path of
structures it lies in. Typedefs are followed, so uint32_t and unsigned int are the same thing.
"""
import re
import subprocess

HEAD = re.compile(r"^ *<([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: (\d+)(?: \((\w+)\))?")
ATTR = re.compile(r"^ *<[0-9a-f]+> +(DW_AT_\w+) *: (.*)$")


class Die:
    def __init__(self, tag):
        self.tag = tag
        self.attr = {}
        self.kids = []

    def name(self):
        # "foo" behind remarks of form and place: "(strp) (offset: 0x12): foo", "(string) foo"
        return re.sub(r"^(\([^)]*\):? *)*", "", self.attr.get("DW_AT_name", "")).strip()

    def number(self, attr, default=0):
        text = self.attr.get(attr)
        if text is None:
            return default
        return int(re.sub(r"^\(.*\) *", "", text).split()[0].strip("<>"), 0)


def read(path):
    out = subprocess.run(["readelf", "-W", "--debug-dump=info", path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    dies, stack, current = {}, [], None
    for line in out.splitlines():
        head = HEAD.match(line)
        if head:
            depth, offset, abbrev, tag = int(head[1], 16), int(head[2], 16), head[3], head[4]
            if abbrev == "0":
                current = None
                continue
            current = dies[offset] = Die(tag)
            del stack[depth:]
            if stack:
                stack[-1].kids.append(current)
            stack.append(current)
            continue
        attr = ATTR.match(line)
        if attr and current is not None:
            current.attr[attr[1]] = attr[2].strip()
    return dies


class Types:
    def __init__(self, path):
        self.dies = read(path)

    def target(self, die):
        ref = die.attr.get("DW_AT_type")
        return self.dies[int(re.search(r"<0x([0-9a-f]+)>", ref)[1], 16)] if ref else None

    def strip(self, die):
        while die is not None and die.tag in ("DW_TAG_typedef", "DW_TAG_const_type",
                                              "DW_TAG_volatile_type"):
            die = self.target(die)
        return die

    def size(self, die):
        die = self.strip(die)
        if die is None:
            return 0
        if die.tag == "DW_TAG_array_type":
            return self.size(self.target(die)) * self.count(die)
        return die.number("DW_AT_byte_size")

    @staticmethod
    def count(array):
        total = 1
        for kid in array.kids:
            if "DW_AT_count" in kid.attr:
                total *= kid.number("DW_AT_count")
            elif "DW_AT_upper_bound" in kid.attr:
                total *= kid.number("DW_AT_upper_bound") + 1
            else:
                total = 0
        return total

    def leaves(self, die, offset, path, bits=""):
        """Lines "offset kind[size] path" of a type that lies at offset under that name."""
        die = self.strip(die)
        if die is None:
            return [f"{offset} void {path}"]
        tag = die.tag
        if tag == "DW_TAG_array_type":
            element = self.strip(self.target(die))
            return self.leaves(element, offset, f"{path}[{self.count(die)}]")
        if tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
            lines = []
            for kid in die.kids:
                if kid.tag == "DW_TAG_member":
                    lines += self.member(kid, offset, path)
            return lines or [f"{offset} empty {path}"]
        if tag == "DW_TAG_enumeration_type":
            return [f"{offset} enum[{die.number('DW_AT_byte_size')}] {path}"]
        if tag == "DW_TAG_pointer_type":
            return [f"{offset} pointer {path}"]
        if tag == "DW_TAG_subroutine_type":
            return [f"{offset} function {path}"]
        unsigned = "unsigned" in die.attr["DW_AT_encoding"]
        kind = "unsigned" if unsigned else "signed"
        return [f"{offset} {kind}[{die.number('DW_AT_byte_size')}]{bits} {path}"]

    def member(self, kid, offset, path):
        at, bits = offset + kid.number("DW_AT_data_member_location"), ""
        if "DW_AT_bit_size" in kid.attr:
            at = offset
            bits = f":{kid.number('DW_AT_data_bit_offset')}+{kid.number('DW_AT_bit_size')}"
        name = kid.name()
        inner = f"{path}.{name}" if path and name else path or name
        return self.leaves(self.target(kid), at, inner, bits)

    def describe(self, die):
        if die.tag == "DW_TAG_enumeration_type":
            values = [f"{k.name()} = {k.number('DW_AT_const_value')}" for k in die.kids]
            return "\n".join(values)
        return "\n".join([f"size {self.size(die)}"] + self.leaves(die, 0, ""))


WORDS = {"DW_TAG_structure_type": "struct ", "DW_TAG_union_type": "union ",
         "DW_TAG_enumeration_type": "enum ", "DW_TAG_typedef": ""}


def layout(path):
    types = Types(path)
    found = {}
    for die in types.dies.values():
        if die.tag in WORDS and die.name() and "DW_AT_declaration" not in die.attr:
            found[WORDS[die.tag] + die.name()] = types.describe(die)
    return found


def enumerators(path):
    """Names of all enumeration constants."""
    return {d.name() for d in read(path).values() if d.tag == "DW_TAG_enumerator"}
