import Authoring
import Bounded
import Disk
import Events
import Hunt
import Partitions
import World

/// `{"fork":{...}}`.
func forkJSON(_ entry: HuntEntry, _ record: ForkRecord) -> [UInt8] {
  var json = JSONWriter(capacity: 512)
  json.beginObject()
  json.field("offset", record.now.offset)
  json.field("durable", entry.journal.durableThrough)
  json.key("fork")
  write(record, &json)
  json.endObject()
  return json.bytes
}

/// `{"forks":[...]}`, with the hunt's promotions.
func forksJSON(_ entry: HuntEntry, _ records: [ForkRecord]) -> [UInt8] {
  var json = JSONWriter(capacity: 4_096)
  json.beginObject()
  json.field("offset", entry.journal.durableThrough)
  json.field("durable", entry.journal.durableThrough)
  json.key("forks")
  json.beginArray()
  for record in records { write(record, &json) }
  json.endArray()
  json.key("promotions")
  json.beginArray()
  for (at, promotion) in entry.forks.history.promotions.enumerated() {
    json.beginObject()
    json.field("number", UInt64(at + 1))
    json.field("offset", promotion.offset)
    json.endObject()
  }
  json.endArray()
  json.key("checkpoints")
  json.beginArray()
  for checkpoint in entry.forks.checkpoints { json.number(checkpoint.offset) }
  json.endArray()
  json.endObject()
  return json.bytes
}

private func write(_ record: ForkRecord, _ json: inout JSONWriter) {
  let status = record.now
  json.beginObject()
  json.field("id", UInt64(record.id))
  json.key("kind")
  json.string(record.spec.kind)
  json.key("state")
  json.string(status.phase.rawValue)
  json.key("progress")
  json.thousandths(UInt64(status.progress))
  json.field("created_ms", record.createdMs)
  json.field("head", status.head)
  json.field("base", status.base)
  json.field("offset", status.offset)
  json.key("digest")
  if let digest = status.digest { json.string(digest.hex) } else { json.null() }
  json.field("build_micros", UInt64(max(0, status.buildNs / 1_000)))
  json.key("promoted_at")
  if let offset = status.promotedAt { json.number(offset) } else { json.null() }
  json.key("reason")
  if let reason = status.reason { json.string(reason) } else { json.null() }
  json.endObject()
}
