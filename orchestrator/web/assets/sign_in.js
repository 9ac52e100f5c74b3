// Gives the token to the server, which answers with a cookie; then the page that was asked for is there.

const told = document.getElementById("told");

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ token: document.getElementById("token").value.trim() });
  try {
    const response = await fetch("/sign-in", { method: "POST", headers: { "content-type": "application/json" }, body });
    if (response.ok) location.reload();
    else told.textContent = (await response.json()).detail;
  } catch {
    told.textContent = "The server cannot be reached.";
  }
});
