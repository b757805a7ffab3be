// Browsers start no worker for a page that was opened from a folder. The search then runs in a
// hidden frame instead, which offers what it needs of a worker.
if (location.protocol === "file:") {
  window.Worker = class {
    onmessage = null
    onerror = null

    constructor(url) {
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      this.frame.srcdoc = "<!doctype html>"
      const place = new URL(url, document.baseURI).href
      this.inside = new Promise((done) => {
        this.frame.addEventListener("load", () => {
          const inside = this.frame.contentWindow
          inside.postMessage = (data) => this.onmessage?.(new MessageEvent("message", { data }))
          const script = inside.document.createElement("script")
          script.src = place
          script.onload = () => done(inside)
          script.onerror = (event) => this.onerror?.(event)
          inside.document.body.append(script)
        })
      })
      document.body.append(this.frame)
    }

    async postMessage(data) {
      const inside = await this.inside
      inside.dispatchEvent(new inside.MessageEvent("message", { data }))
    }

    terminate() {
      this.frame.remove()
    }
  }
}
