// Unmodified browser clients in one page. run(client, key, host, domain): a page view, a person, an order; then Promise<void>.
import { init as initPlausible, track as trackPlausible } from '@plausible-analytics/tracker'
import { RudderAnalytics } from '@rudderstack/analytics-js/bundled'
import { AnalyticsBrowser } from '@segment/analytics-next'
import Plausible from 'plausible-tracker'
import posthog from 'posthog-js'

const ORDER = { order_id: 'o-1', revenue: 99.5, currency: 'EUR', products: [{ product_id: 'p-1', name: 'Tea', price: 99.5, quantity: 1 }] }

const segment = async (key, host, options) => {
  const analytics = AnalyticsBrowser.load({ writeKey: key, cdnURL: host }, options)
  analytics.page()
  analytics.identify('u-1', { plan: 'pro' })
  await analytics.track('Order Completed', ORDER)
}

const rudder = (key, host, options) =>
  new Promise((done) => {
    const analytics = new RudderAnalytics()
    analytics.load(key, host, { configUrl: host, logLevel: 'ERROR', ...options })
    analytics.page()
    analytics.identify('u-1', { plan: 'pro' })
    analytics.track('Order Completed', ORDER)
    analytics.ready(done)
  })

const plausible = { props: { order_id: 'o-1' }, revenue: { amount: 99.5, currency: 'EUR' } }

const clients = {
  segment: (key, host) => segment(key, host, {}),
  'segment-batching': (key, host) =>
    segment(key, host, {
      integrations: { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 10, timeout: 300 } } } },
    }),
  rudder: (key, host) => rudder(key, host, {}),
  'rudder-beacon': (key, host) => rudder(key, host, { useBeacon: true, beaconQueueOptions: { flushQueueInterval: 300 } }),
  async posthog(key, host) {
    posthog.init(key, { api_host: host, capture_pageview: true, autocapture: false, request_queue_config: { flush_interval_ms: 250 } })
    await new Promise((done) => setTimeout(done, 50))
    posthog.identify('u-1', { plan: 'pro' })
    posthog.capture('Order Completed', ORDER)
  },
  async plausible(key, host, domain) {
    initPlausible({ domain, endpoint: `${host}/api/event`, captureOnLocalhost: true })
    trackPlausible('Purchase', plausible)
  },
  async 'plausible-old'(key, host, domain) {
    const { trackPageview, trackEvent } = Plausible({ domain, apiHost: host, trackLocalhost: true })
    trackPageview()
    trackEvent('Purchase', { props: plausible.props })
  },
}
window.run = (client, ...given) => clients[client](...given)
