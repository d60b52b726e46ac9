// Asks for a token when the server wants one, and waits until it is right.

import { say } from "./dom.js";

export function login(form, format) {
  say(form.querySelector("h2"), format.text("login"));
  say(form.querySelector("label"), format.text("login_token"));
  say(form.querySelector("button"), format.text("login_go"));
  form.hidden = false;
  form.querySelector("input").focus();
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (await accepted(form.querySelector("input").value)) {
        form.hidden = true;
        form.reset();
        say(form.querySelector("[role=alert]"), "");
        resolve();
      } else {
        say(form.querySelector("[role=alert]"), format.text("login_wrong"));
      }
    };
  });
}

async function accepted(token) {
  try {
    const response = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    return response.ok;
  } catch {
    return false;
  }
}
