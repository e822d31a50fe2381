// Sends the calls that come as JSON on stdin through the unmodified @segment/analytics-node, and says what came of it:
// {"delivered":[messageId,...],"errors":[...]} on stdout once everything was delivered or given up.
import { Analytics } from '@segment/analytics-node'
import { text } from 'node:stream/consumers'

const { writeKey, host, batch, calls } = JSON.parse(await text(process.stdin))
const analytics = new Analytics({ writeKey, host, flushAt: batch, flushInterval: 100 })
const delivered = []
const errors = []
analytics.on('error', (error) => errors.push(`${error.code}`))
for (const { method, timestamp, ...call } of calls) {
  analytics[method]({ ...call, timestamp: new Date(timestamp) }, (error, context) => {
    if (error) errors.push(String(error))
    else delivered.push(context.event.messageId)
  })
}
await analytics.closeAndFlush({ timeout: 90_000 })
console.log(JSON.stringify({ delivered, errors }))
