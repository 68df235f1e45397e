"""Fills a buffer twice on a Vulkan device without a barrier between: a hazard that the synchronisation layer must report."""

import ctypes
from ctypes import Structure, byref, c_float, c_int32, c_uint32, c_uint64, c_void_p

vulkan = ctypes.CDLL("libvulkan.so.1")


class Info(Structure):
    """The beginning of each structure: its type, and a chain that stays empty."""

    _fields_ = [("type", c_int32), ("next", c_void_p)]


def info(name, number, fields, **values):
    made = type(name, (Info,), {"_fields_": fields})()
    made.type = number
    for field, value in values.items():
        setattr(made, field, value)
    return made


def call(name, *arguments):
    function = getattr(vulkan, name)
    if name.startswith("vkCmd") or name.startswith("vkGet"):
        function.restype = None
        function(*arguments)
    elif code := function(*arguments):
        raise SystemExit(f"{name}: {code}")


def made(name, *arguments, kind=c_void_p):
    """Calls a function whose last argument receives a handle."""
    handle = kind()
    call(name, *arguments, byref(handle))
    return handle


none, flags = c_void_p(), ("flags", c_uint32)
pointer = c_void_p
instance_info = info("Instance", 1, [
    flags, ("app", pointer), ("layers", c_uint32), ("layer_names", pointer), ("extensions", c_uint32),
    ("extension_names", pointer),
])
instance = made("vkCreateInstance", byref(instance_info), none)
count = c_uint32(1)
adapter = c_void_p()
vulkan.vkEnumeratePhysicalDevices(instance, byref(count), byref(adapter))
if not adapter:
    raise SystemExit("no adapter")
priority = c_float(1.0)
queue_info = info("Queue", 2, [
    flags, ("family", c_uint32), ("count", c_uint32), ("priorities", pointer),
], count=1, priorities=ctypes.addressof(priority))
device_info = info("Device", 3, [
    flags, ("queues", c_uint32), ("queue_infos", pointer), ("layers", c_uint32), ("layer_names", pointer),
    ("extensions", c_uint32), ("extension_names", pointer), ("features", pointer),
], queues=1, queue_infos=ctypes.addressof(queue_info))
device = made("vkCreateDevice", adapter, byref(device_info), none)
buffer_info = info("Buffer", 12, [
    flags, ("size", c_uint64), ("usage", c_uint32), ("sharing", c_int32), ("families", c_uint32),
    ("family_list", pointer),
], size=1024, usage=2)
buffer = made("vkCreateBuffer", device, byref(buffer_info), none, kind=c_uint64)


class Requirements(Structure):
    _fields_ = [("size", c_uint64), ("alignment", c_uint64), ("types", c_uint32)]


needs = Requirements()
call("vkGetBufferMemoryRequirements", device, buffer, byref(needs))
lowest = (needs.types & -needs.types).bit_length() - 1
memory_info = info("Memory", 5, [("size", c_uint64), ("kind", c_uint32)], size=needs.size, kind=lowest)
memory = made("vkAllocateMemory", device, byref(memory_info), none, kind=c_uint64)
call("vkBindBufferMemory", device, buffer, memory, c_uint64(0))
pool_info = info("Pool", 39, [flags, ("family", c_uint32)])
pool = made("vkCreateCommandPool", device, byref(pool_info), none, kind=c_uint64)
commands_info = info("Commands", 40, [("pool", c_uint64), ("level", c_int32), ("count", c_uint32)],
                     pool=pool.value, count=1)
commands = made("vkAllocateCommandBuffers", device, byref(commands_info))
begin_info = info("Begin", 42, [flags, ("inherited", pointer)])
call("vkBeginCommandBuffer", commands, byref(begin_info))
for value in (1, 2):
    call("vkCmdFillBuffer", commands, buffer, c_uint64(0), c_uint64(1024), c_uint32(value))
call("vkEndCommandBuffer", commands)
