"""What Redis does in one go, so that nothing comes between (Lua, Redis 6.2 or later)."""

ADD = """
local stream, most, body = KEYS[1], tonumber(ARGV[1]), ARGV[2]

local function number(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return tonumber(ms), tonumber(seq)
end

local function before(a, b)
  local ams, aseq = number(a)
  local bms, bseq = number(b)
  return ams < bms or (ams == bms and aseq < bseq)
end

local function after(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return ms .. '-' .. string.format('%.0f', tonumber(seq) + 1)
end

if redis.call('XLEN', stream) >= most then
  -- make room for a tenth, but drop nothing that a group has not yet handled
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.max(1, math.floor(most / 10)) + 1)
  local keep = oldest[#oldest][1]
  local slowest = ''
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = {}
    for i = 1, #flat, 2 do group[flat[i]] = flat[i + 1] end
    local pending = redis.call('XPENDING', stream, group['name'])
    local needed = pending[1] > 0 and pending[2] or after(group['last-delivered-id'])
    if before(needed, keep) then keep, slowest = needed, group['name'] end
  end
  redis.call('XTRIM', stream, 'MINID', keep)
  if redis.call('XLEN', stream) >= most then
    return redis.error_reply('FULL ' .. slowest)
  end
end
return redis.call('XADD', stream, '*', 'event', body)
"""
"""Add a body to a stream (KEYS) that holds at most ARGV[1]; an error `FULL group` when a group is too far behind to make room."""

TAKE = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return nil end
local flat = redis.call('XINFO', 'STREAM', KEYS[2])
for i = 1, #flat, 2 do
  if flat[i] == 'last-generated-id' then return flat[i + 1] end
end
"""
"""Take the lease KEYS[1] of a part for ARGV[2] ms as ARGV[1]; the last id of its stream KEYS[2], nothing when another has it."""

KEEP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
"""Keep the lease; 0 when it is another's."""

LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""Give the lease back."""

ACKNOWLEDGE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('XACK', KEYS[2], ARGV[3], unpack(ARGV, 4))
"""
"""Mark entries as done for the group ARGV[3], and keep the lease; 0 when it is another's by now: then the events are handled again there."""
