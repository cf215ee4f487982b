-- Asks for the paths of a file in their order and, at the file's end, from its beginning; prints one line of JSON.
--   PATHS=file FIRST=0 wrk -t1 -c8 -d5s -s walk.lua http://127.0.0.1:PORT
local paths, position = {}, 0

function init(_)
  for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
  position = tonumber(os.getenv("FIRST") or "0")
  wrk.headers["Accept-Encoding"] = "gzip"
end

function request()
  position = position + 1
  return wrk.format("GET", paths[(position - 1) % #paths + 1])
end

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    '{"requests": %d, "rps": %.2f, "p50": %.3f, "p99": %.3f, "bytes": %.0f, "bad": %d}\n',
    summary.requests, summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.bytes / math.max(summary.requests, 1),
    failed.status + failed.connect + failed.read + failed.write + failed.timeout))
end
