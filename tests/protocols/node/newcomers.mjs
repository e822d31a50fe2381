// Sends events that come as JSON on stdin through an unmodified client, and ends when all are delivered or given up.
// {"client":NAME,"key":KEY,"host":URL,"events":[{"event","user","ts","props"}]}; whatever went wrong is on stderr, with code 1.
import rudderModule from '@rudderstack/rudder-sdk-node'
import umamiModule from '@umami/node'
import { PostHog } from 'posthog-node'
import { text } from 'node:stream/consumers'

const Rudder = rudderModule.default ?? rudderModule // both are CommonJS
const umami = umamiModule.default ?? umamiModule
const { client, key, host, events } = JSON.parse(await text(process.stdin))

const clients = {
  async 'rudder-node'() {
    const rudder = new Rudder(key, { dataPlaneUrl: host })
    await Promise.all(
      events.map(
        ({ event, user, ts, props }) =>
          new Promise((done, fail) => {
            const call = { event, userId: user, properties: props, originalTimestamp: new Date(ts) }
            rudder.track(call, (error) => (error ? fail(error) : done()))
          }),
      ),
    )
    await rudder.flush()
  },
  async 'posthog-node'() {
    const posthog = new PostHog(key, { host, flushAt: 100, fetchRetryDelay: 200 })
    for (const { event, user, ts, props } of events) {
      posthog.capture({ event, distinctId: user, properties: props, timestamp: new Date(ts) })
    }
    await posthog.shutdown()
  },
  async 'umami-node'() {
    umami.init({ websiteId: key, hostUrl: host })
    for (const { event, user, ts, props } of events) {
      const answer = await umami.track({ name: event, id: user, url: '/order', data: props, timestamp: Math.floor(ts / 1000) })
      if (answer.status !== 200) throw new Error(`${answer.status}`)
    }
  },
}
await clients[client]()
